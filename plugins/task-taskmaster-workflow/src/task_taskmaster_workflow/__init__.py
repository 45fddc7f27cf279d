"""Tasks that follow each other, by files; and backloads of them."""
