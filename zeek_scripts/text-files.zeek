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

global watched: table[string] of Watched = table();

function stream_of(path: string): string
	{
	return "an1496 " + path;
	}

event AN1496::line_read(description: Input::EventDescription,
    kind: Input::Event, line: string)
	{
	if ( description$source in watched )
		watched[description$source]$lines += line;
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
	    $ev=line_read, $want_record=F]) )
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
