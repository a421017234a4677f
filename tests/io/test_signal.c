/* test_signal.c - signals waited for in straight-line code, and given back afterwards.
 * check: drivers
 */
#include "weft/signal.h"

#include "both.h"
#include "weft/scope.h"
#include "weft/socket.h"

static volatile sig_atomic_t seen_before;

static void note(int number)
{
	seen_before = number;
}

struct sender {
	pthread_t waiter;
	int number;
};

/* Sends again and again, so that it doesn't matter when the waiter is ready. */
static void *send_until_told(void *arg)
{
	struct sender *sender = arg;
	sigset_t all;
	int number;

	/* The process's signals are for the thread that waits. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	while ((number = __atomic_load_n(&sender->number, __ATOMIC_SEQ_CST)) != 0) {
		kill(getpid(), number);
		usleep(1000);
	}
	return NULL;
}

BOTH_CASE(the_signal_that_came_is_returned)
{
	const int signals[] = {SIGTERM, SIGUSR1};
	struct sigaction action = {.sa_handler = note}, after;
	struct sender sender = {.number = SIGUSR1};
	pthread_t peer;

	CHECK_INT(sigaction(SIGUSR1, &action, NULL), ==, 0);
	peer = peer_start(send_until_told, &sender);
	CHECK_INT(weft_signal_wait(signals, 2), ==, SIGUSR1);
	__atomic_store_n(&sender.number, 0, __ATOMIC_SEQ_CST);
	peer_end(peer);
	CHECK_INT(sigaction(SIGUSR1, NULL, &after), ==, 0);
	CHECK(after.sa_handler == note);
	CHECK_INT(sigaction(SIGTERM, NULL, &after), ==, 0);
	CHECK(after.sa_handler == SIG_DFL);
	seen_before = 0;
	raise(SIGUSR1);
	CHECK_INT(seen_before, ==, SIGUSR1);
}

BOTH_CASE(a_wait_that_is_late_gives_the_signals_back)
{
	const int number = SIGUSR2;
	struct sigaction after;

	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_signal_wait(&number, 1), ETIMEDOUT);
	CHECK_INT(sigaction(SIGUSR2, NULL, &after), ==, 0);
	CHECK(after.sa_handler == SIG_DFL);
}

BOTH_CASE(what_cannot_be_waited_for_is_refused)
{
	const int twice[] = {SIGUSR1, SIGUSR1}, uncaught[] = {SIGUSR1, SIGKILL}, none[] = {0},
		  beyond[] = {65}, negative[] = {-1};
	int many[WEFT_SIGNAL_WAIT_MAX + 1];
	struct sigaction after;

	for (int i = 0; i <= WEFT_SIGNAL_WAIT_MAX; i++)
		many[i] = SIGRTMIN + i;
	CHECK_ERRNO(weft_signal_wait(twice, 0), EINVAL);
	CHECK_ERRNO(weft_signal_wait(twice, 2), EBUSY);
	CHECK_ERRNO(weft_signal_wait(uncaught, 2), EINVAL);
	CHECK_ERRNO(weft_signal_wait(none, 1), EINVAL);
	CHECK_ERRNO(weft_signal_wait(beyond, 1), EINVAL);
	CHECK_ERRNO(weft_signal_wait(negative, 1), EINVAL);
	CHECK_ERRNO(weft_signal_wait(many, WEFT_SIGNAL_WAIT_MAX + 1), EINVAL);
	CHECK_INT(sigaction(SIGUSR1, NULL, &after), ==, 0);
	CHECK(after.sa_handler == SIG_DFL);
}

static int wait_usr1(void *arg)
{
	const int number = SIGUSR1;

	(void)arg;
	return weft_signal_wait(&number, 1);
}

static int several_waiters(void *arg)
{
	weft_fiber_id waiters[WEFT_SIGNAL_CATCHERS_MAX];
	const int number = SIGUSR1, other = SIGUSR2;
	int results[WEFT_SIGNAL_CATCHERS_MAX];

	(void)arg;
	for (int i = 0; i < WEFT_SIGNAL_CATCHERS_MAX; i++)
		CHECK((waiters[i] = weft_spawn(wait_usr1, NULL)) != 0);
	weft_yield();
	CHECK_ERRNO(weft_signal_wait(&number, 1), EBUSY);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_signal_wait(&other, 1), ETIMEDOUT);
	CHECK_INT(kill(getpid(), SIGUSR1), ==, 0);
	CHECK_INT(weft_join_all(waiters, WEFT_SIGNAL_CATCHERS_MAX, results, WEFT_FOREVER), ==,
		WEFT_SIGNAL_CATCHERS_MAX);
	for (int i = 0; i < WEFT_SIGNAL_CATCHERS_MAX; i++)
		CHECK_INT(results[i], ==, SIGUSR1);
	return 0;
}

CHECK_CASE(each_of_several_waiters_is_told_of_a_signal)
{
	const struct weft_run_options one = {.workers = 1};
	struct sigaction after;

	CHECK_INT(weft_run(&one, several_waiters, NULL), ==, 0);
	CHECK_INT(sigaction(SIGUSR1, NULL, &after), ==, 0);
	CHECK(after.sa_handler == SIG_DFL);
}

/* ---- Caught all the time ----------------------------------------------------------------- */

BOTH_CASE(none_is_missed_between_two_waits)
{
	const int numbers[] = {SIGUSR1, SIGUSR2};
	struct weft_signals *signals = weft_signals_new(numbers, 2);
	struct sigaction after;

	CHECK(signals != NULL);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(1))
		CHECK_ERRNO(weft_signals_next(signals), ETIMEDOUT);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(raise(SIGUSR1), ==, 0);
		CHECK_INT(raise(SIGUSR2), ==, 0);
	}
	CHECK_INT(weft_wait_fd(weft_signals_fd(signals), POLLIN), ==, POLLIN);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(weft_signals_next(signals), ==, SIGUSR1);
		CHECK_INT(weft_signals_next(signals), ==, SIGUSR2);
	}
	weft_signals_free(signals);
	weft_signals_free(NULL);
	CHECK_INT(sigaction(SIGUSR1, NULL, &after), ==, 0);
	CHECK(after.sa_handler == SIG_DFL);
}

BOTH_CASE(what_cannot_be_caught_is_refused_here_too)
{
	const int uncaught[] = {SIGUSR1, SIGSTOP}, twice[] = {SIGUSR1, SIGUSR1};
	struct sigaction after;

	CHECK_ERRNO(weft_signals_new(uncaught, 2), EINVAL);
	CHECK_ERRNO(weft_signals_new(twice, 2), EBUSY);
	CHECK_ERRNO(weft_signals_new(twice, 0), EINVAL);
	CHECK_INT(sigaction(SIGUSR1, NULL, &after), ==, 0);
	CHECK(after.sa_handler == SIG_DFL);
}

CHECK_CASE(a_signal_of_a_forked_child_is_its_own_and_not_the_parents)
{
	const int number = SIGUSR1;
	struct weft_signals *signals = weft_signals_new(&number, 1);
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (weft_signals_next(signals) >= 0 || errno != ENOTSUP)
			_exit(1);
		weft_signals_free(signals);
		raise(SIGUSR1); /* ends it, as before */
		_exit(2);
	}
	CHECK_INT(waitpid(pid, &status, 0), ==, pid);
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), ==, SIGUSR1);
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_signals_next(signals), ETIMEDOUT);
	raise(SIGUSR1);
	CHECK_INT(weft_signals_next(signals), ==, SIGUSR1);
	weft_signals_free(signals);
}

CHECK_CASE(a_signal_held_back_waits_and_comes_when_it_is_let_through)
{
	const int number = SIGUSR1, wrong[] = {SIGUSR1, SIGKILL}, urgent = SIGURG;
	struct weft_signals *signals = weft_signals_new(&number, 1);

	CHECK_ERRNO(weft_signal_block(wrong, 2), EINVAL);
	CHECK_ERRNO(weft_signal_block(&urgent, 1), EINVAL);
	CHECK_INT(weft_signal_block(&number, 1), ==, 0);
	kill(getpid(), SIGUSR1);
	CHECK(weft_signal_is_pending(SIGUSR1));
	WEFT_WITH_TIMEOUT (WEFT_MILLISECONDS(5))
		CHECK_ERRNO(weft_signals_next(signals), ETIMEDOUT);
	CHECK_INT(weft_signal_unblock(&number, 1), ==, 0);
	CHECK(!weft_signal_is_pending(SIGUSR1));
	CHECK_INT(weft_signals_next(signals), ==, SIGUSR1);
	weft_signals_free(signals);
}

CHECK_MAIN()
