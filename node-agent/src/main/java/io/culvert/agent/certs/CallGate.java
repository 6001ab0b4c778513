package io.culvert.agent.certs;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Lets so many requests to the authority be under way at once, and of those that wait the most urgent first: how urgent one
 * is may change while it waits.
 *
 * <p>Runs on: any; {@link #enter} blocks. Bounds: the number given.
 */
public final class CallGate {
    /** How urgent a request is, the least urgent first. */
    public enum Priority {
        /** There is a certificate, and it is to be renewed. */
        BACKGROUND,
        /** There is none, and nobody waits for it yet. */
        WARMUP,
        /** A connection waits. */
        REAL_TIME
    }

    /** One that waits, in the order in which they came. */
    private static final class Ticket {
        private final Supplier<Priority> priority;
        private final Condition granted;
        private boolean isGranted;

        private Ticket(Supplier<Priority> priority, Condition granted) {
            this.priority = priority;
            this.granted = granted;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Ticket> waiting = new ArrayList<>();
    private int free;

    public CallGate(int callsMax) {
        this.free = callsMax;
    }

    /** Waits until it may begin; to be followed by {@link #leave}. */
    void enter(Supplier<Priority> priority) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            Ticket ticket = new Ticket(priority, lock.newCondition());
            waiting.add(ticket);
            grant();
            awaitOrGiveUp(ticket);
        } finally {
            lock.unlock();
        }
    }

    private void awaitOrGiveUp(Ticket ticket) throws InterruptedException {
        try {
            while (!ticket.isGranted) {
                ticket.granted.await();
            }
        } catch (InterruptedException e) {
            if (ticket.isGranted) {
                free++;
            } else {
                waiting.remove(ticket);
            }
            grant();
            throw e;
        }
    }

    /** It is over. */
    void leave() {
        lock.lock();
        try {
            free++;
            grant();
        } finally {
            lock.unlock();
        }
    }

    /** How many wait. */
    int waiting() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    private void grant() {
        while (free > 0 && !waiting.isEmpty()) {
            Ticket next = mostUrgent();
            waiting.remove(next);
            free--;
            next.isGranted = true;
            next.granted.signal();
        }
    }

    private Ticket mostUrgent() {
        Ticket best = waiting.getFirst();
        Priority highest = best.priority.get();
        for (Ticket each : waiting) {
            Priority priority = each.priority.get();
            if (priority.compareTo(highest) > 0) {
                best = each;
                highest = priority;
            }
        }
        return best;
    }
}
