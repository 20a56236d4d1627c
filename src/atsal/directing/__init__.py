"""Direct a 360° video: a flat film whose camera follows what people would look at."""
