"""Every message that the bot can send, made once by the real code: as a page of words and as pictures."""
