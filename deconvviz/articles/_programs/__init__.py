"""What the programs of the articles are run with: layers by this project's operators, and the programs themselves."""
