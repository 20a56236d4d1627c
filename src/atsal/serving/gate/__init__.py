"""Who may come in, how much they may send, and what binds their browsers. `add_gate` puts it before an application."""
