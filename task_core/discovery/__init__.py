"""Found plugins, loaded plugins, and what is wrong with them."""
