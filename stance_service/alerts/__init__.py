"""Tell people and programs of the stance changes that matter to them."""
