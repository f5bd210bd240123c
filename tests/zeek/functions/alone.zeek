# @TEST-DOC: Every script loads what it needs, also where Zeek loads nothing by itself: in bare mode, and as a supervisor.
#
# @TEST-EXEC: for script in $PACKAGE/*.zeek; do zeek -b -a $script || exit 1; done
