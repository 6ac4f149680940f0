"""Methods of looking into a network, one file each; the file's constant is found by scanning."""
