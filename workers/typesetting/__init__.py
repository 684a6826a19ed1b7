"""Sets chats as PDF with Typst: data in, bytes out, in a confined process. No text of a chat is ever Typst code."""
