"""Training: one visible loop, its state, and one recipe per thing that is trained."""
