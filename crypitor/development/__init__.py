"""What development needs: a simulated chain, the demo, a receiver to listen with."""
