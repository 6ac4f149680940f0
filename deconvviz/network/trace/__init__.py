"""What a traced program is: its nodes, layers, rectifiers, geometry."""
