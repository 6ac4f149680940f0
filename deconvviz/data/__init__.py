"""Pictures: decoding them safely, bringing them to a network's input, the samples that ship, and image folders."""
