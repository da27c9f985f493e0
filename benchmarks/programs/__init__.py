"""Programs that a benchmark starts beside the product: yardsticks, and the product in a special condition."""
