"""What a processing unit is: machines, signals, states, performance and the calendar."""
