"""What can speak for or against a session; one file a family, found by `catalogue`."""
