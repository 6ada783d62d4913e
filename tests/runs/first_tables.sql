-- The run store as digitlab 0.1.0 made it.
CREATE TABLE runs (
	id VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	model VARCHAR NOT NULL,
	dataset VARCHAR NOT NULL,
	status VARCHAR NOT NULL,
	executor VARCHAR NOT NULL,
	spec JSON NOT NULL,
	config JSON NOT NULL,
	data JSON NOT NULL,
	environment JSON NOT NULL,
	normalization JSON NOT NULL,
	parameters INTEGER NOT NULL,
	seed BIGINT NOT NULL,
	created DOUBLE NOT NULL,
	started DOUBLE,
	ended DOUBLE,
	epochs INTEGER NOT NULL,
	epochs_done INTEGER NOT NULL,
	step INTEGER NOT NULL,
	total_steps INTEGER NOT NULL,
	best_epoch INTEGER,
	kept_epoch DOUBLE,
	train_loss DOUBLE,
	train_accuracy DOUBLE,
	val_loss DOUBLE,
	val_accuracy DOUBLE,
	test_loss DOUBLE,
	test_accuracy DOUBLE,
	train_seconds DOUBLE,
	images_per_second DOUBLE,
	message VARCHAR NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX runs_by_status ON runs (status, created);
CREATE INDEX runs_by_time ON runs (created);
CREATE TABLE epochs (
	run_id VARCHAR NOT NULL,
	epoch INTEGER NOT NULL,
	step INTEGER NOT NULL,
	train_loss DOUBLE NOT NULL,
	train_accuracy DOUBLE NOT NULL,
	val_loss DOUBLE,
	val_accuracy DOUBLE,
	learning_rate DOUBLE NOT NULL,
	seconds DOUBLE NOT NULL,
	best BOOLEAN NOT NULL,
	PRIMARY KEY (run_id, epoch),
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
CREATE TABLE steps (
	run_id VARCHAR NOT NULL,
	step INTEGER NOT NULL,
	epoch DOUBLE NOT NULL,
	loss DOUBLE,
	loss_min DOUBLE,
	loss_max DOUBLE,
	learning_rate DOUBLE NOT NULL,
	grad_norm DOUBLE,
	images_per_second DOUBLE NOT NULL,
	PRIMARY KEY (run_id, step),
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
