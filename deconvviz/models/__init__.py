"""Networks that can be loaded by name, one file each; the file's constant MODEL is found by scanning."""
