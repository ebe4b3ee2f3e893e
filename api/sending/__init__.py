"""What is sent: to whom, how far, and to which addresses nothing may lead."""
