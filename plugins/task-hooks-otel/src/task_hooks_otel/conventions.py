"""Names by the messaging conventions of OpenTelemetry.

They are "incubating", so they change: all of them stand here, and nowhere else.
"""

SYSTEM = "messaging.system"
DESTINATION = "messaging.destination.name"
MESSAGE_ID = "messaging.message.id"
OPERATION = "messaging.operation.name"
OPERATION_TYPE = "messaging.operation.type"
BATCH = "messaging.batch.message_count"
ERROR = "error.type"

PROCESS_DURATION = "messaging.process.duration"
CONSUMED = "messaging.client.consumed.messages"
SENT = "messaging.client.sent.messages"

SEND, PROCESS, SETTLE = "send", "process", "settle"
"""Names of operations; their types are the same."""

TASK_TYPE, TASK_JOB, TASK_RESULT = "task.type", "task.job", "task.result"
"""Our own attributes."""
