"""The limits and times of the settings, as the server and the runs want them."""

from hub.config import Settings
from hub.runs.files.limits import FileLimits
from hub.runs.follow.attendance import PresenceLimits
from hub.runs.hosts.limits import HostLimits
from hub.runs.limits import RunLimits
from hub.server.options import HubOptions, ServerLimits


def server_limits(settings: Settings) -> ServerLimits:
    return ServerLimits(
        max_connections=settings.max_connections,
        max_connections_per_user=settings.max_connections_per_user,
        max_connections_per_address=settings.max_connections_per_address,
        max_new_connections_per_s=settings.max_new_connections_per_s,
        max_user_invocations_per_s=settings.max_user_invocations_per_s,
    )


def run_limits(settings: Settings) -> RunLimits:
    return RunLimits(
        max_queued_runs=settings.max_queued_runs,
        max_steps=settings.max_steps,
        max_answer_chars=settings.max_answer_chars,
        wall_time_s=settings.wall_time_s,
        notice_wait_s=settings.provider_wait_s,
        approval_s=settings.approval_s,
        idle_stop_s=settings.idle_stop_s,
        lease_ms=round(settings.lease_s * 1000),
        presence=PresenceLimits(
            interval_s=settings.presence_interval_s,
            grace_s=settings.presence_grace_s,
            gather_s=settings.presence_gather_s,
            max_bytes=settings.max_presence_bytes,
            max_per_s=settings.max_presence_per_s,
        ),
        hosts=HostLimits(
            grace_s=settings.host_grace_s,
            timeout_s=settings.client_tool_timeout_s,
            max_result_bytes=settings.max_tool_result_bytes,
        ),
        files=FileLimits(max_bytes=settings.max_file_bytes, max_session_bytes=settings.max_session_files_bytes),
    )


def hub_options(settings: Settings) -> HubOptions:
    return HubOptions(
        max_receive_bytes=settings.max_receive_bytes,
        outbox_max_bytes=settings.outbox_max_bytes,
        handshake_timeout_s=settings.handshake_timeout_s,
        keep_alive_s=settings.keep_alive_s,
        client_timeout_s=settings.client_timeout_s,
        # A watcher that reads nothing for a while is behind, and gets a snapshot; it is not gone before its silence is.
        transport_send_timeout_s=settings.client_timeout_s,
        detailed_errors=settings.detailed_errors,
        max_invocations_per_s=settings.max_invocations_per_s,
        token_warning_s=settings.token_warning_s,
        close_on_expiry=settings.close_on_expiry,
        allow_stateful_reconnects=True,
    )
