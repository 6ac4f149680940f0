"""Networks of other people: modules, functions, files."""
