"""THE TABLE of channels: how each platform's devices are reached, where the deployment has set it up."""

from collections.abc import Callable, Mapping

from domain.subscription import Platform
from notify.channels.channel import Channel
from notify.channels.console import ConsoleChannel
from notify.channels.fcm import FcmChannel
from runtime.settings import NotifySettings


def _fcm(settings: NotifySettings) -> Channel | None:
    return FcmChannel(settings.fcm) if settings.fcm is not None else None


def _console(settings: NotifySettings) -> Channel | None:
    return ConsoleChannel() if settings.console else None


CHANNELS: Mapping[Platform, Callable[[NotifySettings], Channel | None]] = {
    Platform.FCM: _fcm,
    Platform.CONSOLE: _console,
}


def open_channels(settings: NotifySettings) -> dict[Platform, Channel]:
    """The channels that are set up. Raises SettingsInvalid when one is, but cannot work."""
    opened = ((platform, open_one(settings)) for platform, open_one in CHANNELS.items())
    return {platform: channel for platform, channel in opened if channel is not None}
