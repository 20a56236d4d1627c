"""The networks, and the weights that go with them."""
