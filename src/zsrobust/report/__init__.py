"""Tables, figures and pages from records and saved arrays; torch is never needed."""
