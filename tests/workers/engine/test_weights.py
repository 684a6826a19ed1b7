"""Files of models that cannot be made into what the engine loads."""

import pytest

from workers.engine import weights
from workers.engine.base import EngineConfig, EngineError


def test_a_gguf_file_that_ends_too_early_is_called_damaged_and_leaves_nothing(tmp_path):
    file = tmp_path / "half.gguf"
    file.write_bytes(weights._bundled_file().read_bytes()[:700_000])
    with pytest.raises(EngineError, match=r"half\.gguf is damaged"):
        weights.resolve_model(EngineConfig(base_model=str(file), home=tmp_path))
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == []
