"""The parts of the local function host: what Azure's own host does, done on one machine.

`functions.local` is the command line. `bindings` reads a FunctionApp's declarations, `routes` finds the
function of a request, `http` serves them, `queues` keeps messages in a file, `schedules` runs timers, and
`host` starts and ends it all. Nothing here knows what the functions do, and only public names of
azure-functions are used, so that the app under it is the very one that Azure would index.
"""
