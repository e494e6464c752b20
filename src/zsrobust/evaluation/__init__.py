"""From a protocol to records: one run folder a cell of model, dataset and protocol."""
