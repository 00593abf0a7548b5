"""What the program was told: every setting is declared once here."""
