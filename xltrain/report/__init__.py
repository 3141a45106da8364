"""From a result to workbooks."""
