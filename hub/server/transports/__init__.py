"""What moves bytes between a client and its `HubConnection`. Each transport brings a `Writer` and feeds `receive`."""
