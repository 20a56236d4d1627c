"""Safe reading of files from others: every reader has limits, and every failure is an `AtsalError` naming the file."""
