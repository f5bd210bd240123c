"""Arguments, exit codes; the only printer."""
