"""The one place where workers read Django's settings; everything below gets small frozen values."""

from pathlib import Path

from django.conf import settings

from workers.engine.config import BUNDLED, EngineConfig


def engine_config() -> EngineConfig:
    """The engine that the settings ask for; each setting may be absent."""
    return EngineConfig(
        engine=getattr(settings, "ENGINE", "hf"),
        base_model=getattr(settings, "BASE_MODEL", BUNDLED) or BUNDLED,
        home=Path(getattr(settings, "GUILDHALL_HOME", "var")),
        remote_url=getattr(settings, "ENGINE_URL", ""),
        remote_model=getattr(settings, "ENGINE_MODEL", ""),
        remote_key=getattr(settings, "ENGINE_KEY", ""),
        threads=int(getattr(settings, "ENGINE_THREADS", 0)),
        cache_tokens=int(getattr(settings, "ENGINE_CACHE_TOKENS", 0)),
        script=str(getattr(settings, "ENGINE_SCRIPT", "") or ""),
    )
