"""Speech: transcribes recordings (faster-whisper) and reads text aloud (piper). Both are in the extra `voice`."""
