"""Long computing: the shared engine and the queue of jobs."""
