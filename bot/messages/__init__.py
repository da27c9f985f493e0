"""What people see: data in, Slack messages out. Pure: no I/O, no clock, no settings; one module per noun."""
