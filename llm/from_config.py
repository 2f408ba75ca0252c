"""From the one table of settings to those of this layer: the only place that knows both."""

import config
from llm.routes_file import default_file
from llm.settings import ModelSettings


def model_settings(settings: config.Settings) -> ModelSettings:
    return ModelSettings(
        model=settings.model,
        base_url=settings.model_base_url,
        api_key=settings.model_api_key,
        environ=config.environ(),
        deadline_s=settings.model_deadline_s,
        concurrency=settings.model_concurrency,
        models_file=settings.models or default_file(),
        record_prompts=settings.record_prompts,
    )
