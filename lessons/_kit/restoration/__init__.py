"""Pictures made larger or cleaner, beside the originals."""
