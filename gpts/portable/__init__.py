"""GPTs and chats as files: the file that this site writes and reads, and what other systems export."""
