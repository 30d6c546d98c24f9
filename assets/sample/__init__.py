"""The sample system: its figures and the program that writes its workbooks. Start at `writer.py`."""
