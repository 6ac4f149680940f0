"""The commands, one file each; heavy modules are imported when a command runs, so that `--help` stays fast."""
