"""The named values of a Windows event that any of our mappings asks for, whatever the shape of the log."""

from typing import Any

import msgspec


class EventData(msgspec.Struct, rename="pascal", gc=False):
    """EventData of Sysmon (1, 3, 5, 7, 8, 25) and Security (4688, 5156, 5158), under Windows' names, as they stand.

    Shippers type them at will (numbers as text, text as numbers), so nothing is typed here.
    """

    utc_time: Any = None
    process_guid: Any = None
    process_id: Any = None
    image: Any = None
    user: Any = None
    command_line: Any = None
    parent_process_guid: Any = None
    parent_process_id: Any = None
    parent_image: Any = None
    parent_command_line: Any = None
    hashes: Any = None
    original_file_name: Any = None
    company: Any = None
    integrity_level: Any = None
    image_loaded: Any = None
    signed: Any = None
    signature: Any = None
    signature_status: Any = None
    protocol: Any = None
    initiated: Any = None
    source_ip: Any = None
    source_port: Any = None
    destination_ip: Any = None
    destination_port: Any = None
    destination_hostname: Any = None
    source_process_guid: Any = None
    source_process_id: Any = None
    source_image: Any = None
    target_process_guid: Any = None
    target_process_id: Any = None
    target_image: Any = None
    target_user: Any = None
    start_address: Any = None
    start_module: Any = None
    start_function: Any = None
    type: Any = None
    new_process_id: Any = None
    new_process_name: Any = None
    parent_process_name: Any = None
    mandatory_label: Any = None
    subject_user_name: Any = None
    subject_domain_name: Any = None
    target_user_name: Any = None
    target_domain_name: Any = None
    wfp_process_id: Any = msgspec.field(name="ProcessID", default=None)
    application: Any = None
    direction: Any = None
    source_address: Any = None
    dest_address: Any = None
    dest_port: Any = None
