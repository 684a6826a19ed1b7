"""What tools may reach, as the operator set it; a worker process says so once. Before: the public internet only."""

from workers.egress import EgressConfig

_configs: list[EgressConfig] = [EgressConfig()]


def set_egress(config: EgressConfig) -> None:
    """From now on let tools reach what `config` allows."""
    _configs[:] = [config]


def egress() -> EgressConfig:
    """What tools may reach."""
    return _configs[0]
