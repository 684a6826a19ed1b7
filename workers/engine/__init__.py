"""The one shared base model behind one protocol (`base.Engine`); ENGINES lists the implementations."""
