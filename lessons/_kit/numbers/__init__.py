"""Small arrays and how a kernel meets them."""
