public class JobQueue {
    private final List<Job> jobs = new ArrayList<>();
    private boolean closed;

    public void add(Job job) {
        if (closed) throw new IllegalStateException("closed");
        jobs.add(job);
        notify();
    }

    public synchronized Job take() throws InterruptedException {
        if (jobs.isEmpty() && !closed) {
            wait();
        }
        return jobs.isEmpty() ? null : jobs.remove(0);
    }

    public void close() {
        closed = true;
        notifyAll();
    }
}
