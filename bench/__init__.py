"""The bench: measures the service beside its peers, on whatever machine it runs. See README.md."""
