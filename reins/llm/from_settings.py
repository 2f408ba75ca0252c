"""From the one table of settings to those of this layer: the only place that knows both."""

from reins.llm.routes.models_file import default_file
from reins.llm.settings import ModelSettings
from reins.settings import Settings, environment


def model_settings(settings: Settings) -> ModelSettings:
    return ModelSettings(
        model=settings.model,
        base_url=settings.model_base_url,
        ca_file=None if settings.model_ca_file is None else str(settings.model_ca_file),
        api_key=settings.model_api_key,
        environ=environment(),
        deadline_s=settings.model_deadline_s,
        concurrency=settings.model_concurrency,
        models_file=settings.models or default_file(),
        record_prompts=settings.record_prompts,
    )
