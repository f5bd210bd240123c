##! Text files that scripts use as a whole, read again whenever they change.

@load base/frameworks/input
@load base/frameworks/reporter

module AN1496;

export {
	## What takes the lines of a file.
	type LinesHandler: function(path: string, lines: vector of string);

	## Read a file now and whenever it changes. Traffic waits until it is read for the first time.
	##
	## path: the file; one that cannot be read is reported and left.
	##
	## handler: gets all its lines at once.
	global watch_file: function(path: string, handler: LinesHandler);

	## Stop watching a file.
	global unwatch_file: function(path: string);
}

type Line: record {
	line: string;
};

type Watched: record {
	handler: LinesHandler;
	lines: vector of string &default=vector();
	waited_for: bool &default=F;
};

# How often a file that is gone is looked for.
const look_again = 2sec;

global watched: table[string] of Watched = table();

function stream_of(path: string): string
	{
	return "an1496 " + path;
	}

global watch_again: event(path: string);

event AN1496::line_read(description: Input::EventDescription,
    kind: Input::Event, line: string)
	{
	if ( description$source in watched )
		watched[description$source]$lines += line;
	}

event AN1496::line_failed(description: Input::EventDescription, message: string,
    level: Reporter::Level)
	{
	if ( level == Reporter::ERROR && description$source in watched )
		schedule look_again { AN1496::watch_again(description$source) };
	}

function release(w: Watched)
	{
	if ( w$waited_for )
		continue_processing();

	w$waited_for = F;
	}

event Input::end_of_data(name: string, source: string)
	{
	if ( source !in watched || name != stream_of(source) )
		return;

	local w = watched[source];
	w$handler(source, w$lines);
	w$lines = vector();
	release(w);
	}

function watch_file(path: string, handler: LinesHandler)
	{
	if ( file_size(path) < 0.0 )
		{
		Reporter::warning(fmt("AN1496: %s cannot be read, check the path", path));
		return;
		}

	watched[path] = Watched($handler=handler);
	if ( Input::add_event([$source=path, $name=stream_of(path),
	    $reader=Input::READER_RAW, $mode=Input::REREAD, $fields=Line,
	    $ev=line_read, $error_ev=line_failed, $want_record=F]) )
		{
		watched[path]$waited_for = T;
		suspend_processing();
		}
	}

function unwatch_file(path: string)
	{
	if ( path !in watched )
		return;

	Input::remove(stream_of(path));
	release(watched[path]);
	delete watched[path];
	}

# Zeek's reader stops for good where a file is gone for a moment, as when zeekctl installs it anew.
event AN1496::watch_again(path: string)
	{
	if ( path !in watched )
		return;

	if ( file_size(path) < 0.0 )
		{
		schedule look_again { AN1496::watch_again(path) };
		return;
		}

	local handler = watched[path]$handler;
	unwatch_file(path);
	watch_file(path, handler);
	}
