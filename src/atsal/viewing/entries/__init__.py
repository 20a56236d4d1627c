"""What the page can show: a kind of entry is one module, and `finding.py` lists them."""
